import type { Tone } from '../../ui/badge.tsx'

/** A bar to the threshold. The value stands beside it in words. */
export function Meter({ share, tone }: { share: number | undefined; tone: Tone }) {
  return (
    <span class="meter" aria-hidden="true">
      {share !== undefined && <span class={tone} style={{ width: `${(share * 100).toFixed(1)}%` }} />}
    </span>
  )
}
