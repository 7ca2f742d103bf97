import { ViewHead } from '../ui/view-head.tsx'

export function MailView() {
  return <ViewHead title="Mail" />
}
