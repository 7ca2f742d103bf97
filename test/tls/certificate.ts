import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'

/** A key and its certificate, in PEM. */
export interface Identity {
  readonly key: string
  readonly cert: string
}

const DAY_MS = 86_400_000
const OID = { ecdsaWithSha256: '2a8648ce3d040302', commonName: '550403', basicConstraints: '551d13', altName: '551d11' }

/**
 * A self-signed certificate, valid from yesterday till tomorrow, which Node cannot make by itself.
 * @param names DNS names it is for; the first is its subject
 * @see RFC 5280, 4.1
 */
export function selfSigned(...names: [string, ...string[]]): Identity {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const algorithm = sequence(oid(OID.ecdsaWithSha256))
  const name = sequence(der(0x31, sequence(oid(OID.commonName), der(0x0c, Buffer.from(names[0])))))
  const validity = sequence(utcTime(Date.now() - DAY_MS), utcTime(Date.now() + DAY_MS))
  const isAuthority = sequence(
    oid(OID.basicConstraints),
    der(0x01, byte(0xff)),
    octets(sequence(der(0x01, byte(0xff)))),
  )
  const altNames = sequence(...names.map((each) => der(0x82, Buffer.from(each))))
  const toBeSigned = sequence(
    der(0xa0, der(0x02, byte(2))), // version 3
    der(0x02, Buffer.concat([byte(1), randomBytes(15)])),
    ...[algorithm, name, validity, name],
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(isAuthority, sequence(oid(OID.altName), octets(altNames)))),
  )
  const signature = Buffer.concat([byte(0), sign('sha256', toBeSigned, privateKey)])
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: pem(sequence(toBeSigned, algorithm, der(0x03, signature))),
  }
}

/** Tag, length, contents. @see X.690, 8.1.3 */
function der(tag: number, ...contents: Buffer[]): Buffer {
  const body = Buffer.concat(contents)
  const [high, low] = [body.length >> 8, body.length & 0xff]
  const length = high > 0 ? [0x82, high, low] : low >= 0x80 ? [0x81, low] : [low]
  return Buffer.concat([byte(tag), Buffer.from(length), body])
}

const byte = (value: number): Buffer => Buffer.from([value])
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'))
const octets = (content: Buffer): Buffer => der(0x04, content)
const sequence = (...contents: Buffer[]): Buffer => der(0x30, ...contents)

function utcTime(at: number): Buffer {
  const digits = new Date(at).toISOString().replace(/\D/g, '').slice(2, 14)
  return der(0x17, Buffer.from(`${digits}Z`))
}

function pem(content: Buffer): string {
  const lines = content.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}
