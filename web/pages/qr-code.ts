import QRCode from 'qrcode'
import { Html, html } from './html.ts'

/**
 * An address as a picture that a phone can read: part of the page, so that the secret in it is asked for by no second
 * request. Dark on light in both themes, because many scanners read nothing else.
 * @param label what the picture is, for who does not see it
 */
export async function qrCode(uri: string, label: string): Promise<Html> {
  const svg = await QRCode.toString(uri, { type: 'svg', errorCorrectionLevel: 'M', margin: 2 })
  return html`<div class="qr" role="img" aria-label="${label}">${new Html(svg)}</div>`
}
