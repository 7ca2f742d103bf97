import { ViewHead } from '../ui/view-head.tsx'

export function LoopView() {
  return <ViewHead title="Loop" />
}
