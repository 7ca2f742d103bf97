import { expect, test } from 'vitest'
import { navigatorLayer } from './navigator.ts'

test('a layer has each technique once, with the number and the names of its detections', () => {
  const layer = navigatorLayer('ours', [
    { slug: 'spraying', tags: ['tactic:TA0006', 'technique:T1110.003', 'technique:t1110.003'] },
    { slug: 'brute-force', tags: ['technique:T1110-brute-force', 'technique:T1110.003'] },
    { slug: 'reuse', tags: ['technique:T1550.004', 'team:security'] },
    { slug: 'slow', tags: ['technique:T15', 'technique:T1110.0031', 'techniques:T1111'] },
  ])
  expect(layer.techniques).toEqual([
    { techniqueID: 'T1110', showSubtechniques: true, score: 1, comment: 'brute-force' },
    { techniqueID: 'T1110.003', showSubtechniques: false, score: 2, comment: 'brute-force, spraying' },
    { techniqueID: 'T1550', showSubtechniques: true },
    { techniqueID: 'T1550.004', showSubtechniques: false, score: 1, comment: 'reuse' },
  ])
  expect(layer).toMatchObject({
    name: 'ours',
    description: '4 detections, 1 of which name no technique',
    domain: 'enterprise-attack',
    gradient: { minValue: 0, maxValue: 2 },
  })
})

test('a layer without detections is one that the Navigator opens', () => {
  expect(navigatorLayer('none', [])).toMatchObject({ techniques: [], gradient: { maxValue: 1 } })
})
