import { ViewHead } from '../ui/view-head.tsx'

export function AttacksView() {
  return <ViewHead title="Attacks" />
}
