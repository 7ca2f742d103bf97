import { ViewHead } from '../ui/view-head.tsx'

export function SessionsView() {
  return <ViewHead title="Sessions" />
}
