// The attacks that the console offers, carried out in this process as `npm run attack` does.

import { UsageError } from 'alertproof/cli'
import { attacks } from '../../attacks/index.ts'
import { type Attack, TARGETS, type TargetKind } from '../../attacks/kit/attack.ts'
import { newSeed } from '../../attacks/kit/random.ts'
import type { AttackView } from '../../lab/console/api.ts'
import { type AttacksPort, type AttackToRun, NotPossibleHere } from '../../lab/console/ports.ts'
import { attackNamed, targetsOf } from '../verify/arguments.ts'
import { endOf } from '../verify/ending.ts'
import { runAttack } from '../verify/run-attack.ts'
import { createPace } from './pace.ts'

/** The page breaks lines itself. */
const WHOLE_LINES = Number.POSITIVE_INFINITY

/** @param dir the directory of the running lab */
export function attacksPort(dir: string): AttacksPort {
  return {
    list: () => attacks.map(viewOf),
    newSeed,
    check(asked) {
      readAsked(asked)
    },
    async run(asked, progress, signal) {
      const { attack, targets } = readAsked(asked)
      const pace = createPace(asked.pace, signal)
      let holds = true
      for (const target of targets) {
        const report = await runAttack({
          ...{ attack, target, dir, signal, twin: asked.twin, seed: asked.seed },
          ...{ baseUrl: undefined, allowedHosts: [], color: false, width: WHOLE_LINES, pace: pace.wait },
          mine: asked.mine && { sid: asked.mine.sid },
          began: progress.began,
          narrate: (text) => {
            for (const line of text.split('\n'))
              if (line.trim() !== '') progress.line({ who: null, text: line, ms: null })
          },
          tell(who, what, ms) {
            pace.step(who)
            progress.line({ who, text: what, ms: ms ?? null })
          },
        })
        holds &&= report.ok
      }
      return holds
    },
  }
}

type Asked = Pick<AttackToRun, 'slug' | 'target' | 'mine'> & { readonly twin?: boolean | undefined }

/** @throws NotPossibleHere as the command line refuses its options */
function readAsked({ slug, target, twin, mine }: Asked): { attack: Attack; targets: readonly TargetKind[] } {
  try {
    const attack = attackNamed(slug)
    if (!mine) return { attack, targets: targetsOf([attack], target === 'both' ? TARGETS : [target]) }
    if (!attack.robsYou) throw new NotPossibleHere(`${slug} invents its victims; it cannot rob your session`, 400)
    if (twin || target === 'functions')
      throw new NotPossibleHere('your own session is robbed on web, and not by the benign twin', 400)
    return { attack, targets: ['web'] }
  } catch (error) {
    if (error instanceof UsageError) throw new NotPossibleHere(error.message, 400)
    throw error
  }
}

function viewOf(attack: Attack): AttackView {
  const { slug, title, techniques, targets, does, runbook, twin, robsYou = false } = attack
  return {
    ...{ slug, title, techniques, targets, does, ends: endOf(attack) },
    ...{ twin: twin.title, twin_does: twin.does, can_be_mine: robsYou, runbook },
  }
}
