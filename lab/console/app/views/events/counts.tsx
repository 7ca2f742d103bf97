import type { Found } from '../../../api.ts'
import { number } from '../kit/format.ts'
import { ask, asked } from './state.ts'
import { narrowed, termOf } from './terms.ts'

/** How many events have each value, most first. */
export function Counts({ counts }: { counts: Found['counts'] }) {
  const most = counts[0]?.count ?? 1
  const { by, query } = asked.value
  // The values of several facets are one text, which cannot be a term of a search.
  const isOne = !by.includes(',')
  return (
    <div class="card rows-card">
      <table class="rows counts">
        <caption class="sr-only">Events by {by}, the most frequent value first</caption>
        <thead>
          <tr>
            <th scope="col">{by}</th>
            <th scope="col" class="col-number">
              Events
            </th>
            <th scope="col">Share</th>
          </tr>
        </thead>
        <tbody>
          {counts.map(({ value, count }) => (
            <tr key={value} class="row">
              <td class="cell mono">
                {isOne ? (
                  <button
                    type="button"
                    class="link mono"
                    onClick={() => ask({ query: narrowed(query, termOf(by, value)), by: '' })}
                  >
                    {value}
                  </button>
                ) : (
                  value
                )}
              </td>
              <td class="cell col-number">{number(count)}</td>
              <td class="cell col-share">
                <Bar share={count / most} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

/** The bar compares counts; the number beside it is exact. */
const Bar = ({ share }: { share: number }) => (
  <svg class="share" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
    <rect width={100 * share} height="1" />
  </svg>
)
