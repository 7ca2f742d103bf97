import QRCode from 'qrcode'
import { Html, html } from './html.ts'

/**
 * A URI as a QR code inside the page, so that no second request contains its secret. It is dark on light in both
 * themes, because many scanners read nothing else.
 * @param label the alternative text
 */
export async function qrCode(uri: string, label: string): Promise<Html> {
  const svg = await QRCode.toString(uri, { type: 'svg', errorCorrectionLevel: 'M', margin: 2 })
  return html`<div class="qr" role="img" aria-label="${label}">${new Html(svg)}</div>`
}
