import { useEffect } from 'preact/hooks'
import { Announcements, announce } from './announce.tsx'
import { Nav, TITLES } from './nav.tsx'
import { route, type ViewName } from './route.ts'
import { TextDialog } from './ui/text-dialog.tsx'
import { AttacksView } from './views/attacks.tsx'
import { ContainmentsView } from './views/containments.tsx'
import { DeliveriesView } from './views/deliveries.tsx'
import { EventsView } from './views/events.tsx'
import { LoopView } from './views/loop.tsx'
import { MailView } from './views/mail.tsx'
import { MonitorsView } from './views/monitors.tsx'
import { RumView } from './views/rum.tsx'
import { SessionsView } from './views/sessions.tsx'

const VIEW_OF = {
  loop: LoopView,
  monitors: MonitorsView,
  sessions: SessionsView,
  events: EventsView,
  attacks: AttacksView,
  containments: ContainmentsView,
  deliveries: DeliveriesView,
  mail: MailView,
  rum: RumView,
} as const satisfies Record<ViewName, () => unknown>

export function App() {
  const { name } = route.value
  const View = VIEW_OF[name]
  useEffect(() => {
    document.title = `${TITLES[name]} · Console of the lab`
    announce(TITLES[name])
    scrollTo(0, 0)
  }, [name])
  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById('main')?.focus()}>
        Skip to the content
      </button>
      <div class="shell">
        <Nav />
        <main id="main" tabindex={-1}>
          <View key={name} />
        </main>
      </div>
      <TextDialog />
      <Announcements />
    </>
  )
}
