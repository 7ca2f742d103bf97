import { ViewHead } from '../ui/view-head.tsx'

export function RumView() {
  return <ViewHead title="RUM" />
}
