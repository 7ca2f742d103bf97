import type { HolderView } from '../../../api.ts'
import { now } from '../../clock.ts'
import { agoOf, clockOf } from '../../format.ts'
import { browserOf } from './browser-of.ts'

const NAMES = ['First holder', 'Second holder', 'Third holder']

/** One holder: a kind of device at an address. */
export function Holder({ holder, index, alone }: { holder: HolderView; index: number; alone: boolean }) {
  const { device, ip, country, user_agent, first_at, last_at, uses, refused } = holder
  return (
    <li class={`holder ${index > 0 ? 'other' : ''} ${alone ? 'alone' : ''}`}>
      <p class="holder-name">
        {!alone && <span class="muted">{NAMES[index] ?? `Holder ${index + 1}`}</span>}
        <strong title={user_agent ?? ''}>{browserOf(user_agent)}</strong>
      </p>
      <dl>
        <div>
          <dt>Address</dt>
          <dd class="mono">
            {ip ?? 'unknown'}
            {country && ` ${country}`}
          </dd>
        </div>
        <div>
          <dt>Device</dt>
          <dd class="mono">{device ?? 'unknown'}</dd>
        </div>
        <div>
          <dt>First seen</dt>
          <dd>{clockOf(first_at)}</dd>
        </div>
        <div>
          <dt>Last seen</dt>
          <dd>{agoOf(last_at, now.value)}</dd>
        </div>
        <div>
          <dt>Requests</dt>
          <dd>
            {uses} seen
            {refused > 0 && <strong class="refused-count">, {refused} refused</strong>}
          </dd>
        </div>
      </dl>
    </li>
  )
}
