import { ViewHead } from '../ui/view-head.tsx'

export function EventsView() {
  return <ViewHead title="Events" />
}
