import { ViewHead } from '../ui/view-head.tsx'

export function ContainmentsView() {
  return <ViewHead title="Containments" />
}
