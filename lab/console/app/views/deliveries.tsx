import { ViewHead } from '../ui/view-head.tsx'

export function DeliveriesView() {
  return <ViewHead title="Deliveries" />
}
