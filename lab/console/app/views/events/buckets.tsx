import { timeOf } from '../../format.ts'
import { counted } from '../kit/format.ts'

/** How many events there were in each part of the time, with the ends of it: [epoch ms, count], evenly spaced. */
export function Buckets({ buckets }: { buckets: readonly (readonly [number, number])[] }) {
  const [first] = buckets
  const last = buckets.at(-1)
  if (!first || !last || buckets.length < 2) return null
  const most = Math.max(1, ...buckets.map(([, count]) => count))
  const length = (last[0] - first[0]) / (buckets.length - 1)
  return (
    <div>
      <svg class="buckets" viewBox={`0 0 ${buckets.length} 1`} preserveAspectRatio="none" aria-hidden="true">
        {buckets.map(([at, count], index) => {
          // One event among thousands must still be seen.
          const height = count === 0 ? 0 : Math.max(0.04, count / most)
          return (
            <rect key={at} x={index + 0.08} width="0.84" y={1 - height} height={height}>
              <title>
                {timeOf(at)}: {counted(count, 'event')}
              </title>
            </rect>
          )
        })}
      </svg>
      <p class="buckets-ends muted">
        <span>{timeOf(first[0]).slice(0, 8)}</span>
        <span>{timeOf(last[0] + length).slice(0, 8)}</span>
      </p>
    </div>
  )
}
