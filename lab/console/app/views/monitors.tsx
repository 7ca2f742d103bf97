import { ViewHead } from '../ui/view-head.tsx'

export function MonitorsView() {
  return <ViewHead title="Monitors" />
}
