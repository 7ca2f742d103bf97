import { describe, expect, test } from 'vitest'
import { parseWebhook, renderRequest } from './webhook.ts'

const values = {
  own: { ID: '17', ALERT_SCOPE: '@ip:203.0.113.9', ALERT_TRANSITION: 'Triggered' },
  tags: ['contain:ip', '@ip:203.0.113.9'],
  custom: { FUNCTIONS_ORIGIN: 'http://localhost:1', WEBHOOK_SECRET: 'lab-secret', ID: 'mine' },
}

const file = {
  name: 'ato-contain',
  url: '$FUNCTIONS_ORIGIN/api/contain',
  payload: '{"id":"$ID","scope":"$ALERT_SCOPE"}',
  custom_headers: '{"X-ATO-Webhook-Secret":"$WEBHOOK_SECRET"}',
  encode_as: 'json',
}

const parsed = (changed: object = {}) => parseWebhook(JSON.stringify({ ...file, ...changed }), 'webhook.json')

describe('a webhook file', () => {
  test('is read in the form of the API, and its request has the values of custom variables', () => {
    expect(renderRequest(parsed(), values)).toEqual({
      url: 'http://localhost:1/api/contain',
      headers: { 'Content-Type': 'application/json', 'X-ATO-Webhook-Secret': 'lab-secret' },
      body: '{"id":"17","scope":"@ip:203.0.113.9"}',
    })
  })

  test('without a payload sends Datadog’s default payload', () => {
    expect(renderRequest(parsed({ payload: null, custom_headers: null }), values).body).toContain('"id": "17"')
  })

  test('encoded as a form sends one field per key', () => {
    const { headers, body } = renderRequest(parsed({ encode_as: 'form' }), values)
    expect(headers['Content-Type']).toBe('application/x-www-form-urlencoded')
    expect(Object.fromEntries(new URLSearchParams(body))).toEqual({ id: '17', scope: '@ip:203.0.113.9' })
  })

  test.each([
    ['an unknown key', { secret: 'x' }, 'secret'],
    ['headers that are not JSON', { custom_headers: 'X: y' }, 'custom_headers must be the text of a JSON object'],
    ['a payload that is an object', { payload: {} }, 'payload'],
    ['no URL', { url: undefined }, 'url'],
  ])('with %s is refused with the names of the file and the field', (_, changed, reason) => {
    expect(() => parsed(changed)).toThrow('webhook.json is not a webhook')
    expect(() => parsed(changed)).toThrow(reason)
  })
})
