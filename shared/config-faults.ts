const LAB_PREFIX = 'lab-'

/** The secrets that the lab makes for itself, but for the signing keys. */
const SECRETS = [
  ...['ATO_HMAC_SECRET', 'ATO_WEBHOOK_SECRET', 'DEVICE_HASH_KEY', 'TOTP_KEY', 'PASSWORD_PEPPER'],
  ...['DD_API_KEY', 'DD_APP_KEY'],
]

type Given = Readonly<Record<string, unknown>>

/**
 * The rules between variables.
 * @param given the variables of the host that are set
 * @param parsed their values, empty if a value is unusable
 * @param lab whether this is the lab
 * @returns a fault for each broken rule
 */
export const faultsBetween = (given: Given, parsed: Given, lab: boolean, readsTables: boolean): string[] => [
  ...(readsTables ? tablesFaults(given) : []),
  ...rumFaults(given),
  ...graceFaults(parsed),
  ...datadogFaults(given, lab),
  ...labFaults(given, lab),
]

/** Requires exactly one way to the tables, and a complete identity. */
function tablesFaults(given: Given): string[] {
  const has = (name: string) => name in given
  const faults: string[] = []
  if (has('TABLES_URL') === has('TABLES_CONNECTION')) {
    faults.push(
      `TABLES_URL, TABLES_CONNECTION: exactly one of them must be set, and ${has('TABLES_URL') ? 'both are' : 'none is'}`,
    )
  }
  if (has('AZURE_CLIENT_SECRET') && !(has('AZURE_CLIENT_ID') && has('AZURE_TENANT_ID'))) {
    faults.push('AZURE_CLIENT_SECRET: needs AZURE_CLIENT_ID and AZURE_TENANT_ID beside it')
  }
  return faults
}

/** Refuses half of the RUM settings: the page would silently have no RUM. */
function rumFaults(given: Given): string[] {
  const has = (name: string) => name in given
  if (has('RUM_APP_ID') !== has('RUM_CLIENT_TOKEN')) {
    const [set, missing] = has('RUM_APP_ID') ? ['RUM_APP_ID', 'RUM_CLIENT_TOKEN'] : ['RUM_CLIENT_TOKEN', 'RUM_APP_ID']
    return [`${missing}: is missing, and ${set} is set: RUM needs both, or neither`]
  }
  return has('RUM_PROXY') && !has('RUM_APP_ID') ? ['RUM_PROXY: needs RUM_APP_ID and RUM_CLIENT_TOKEN beside it'] : []
}

/** A store knows one retired gen. A second renewal within the grace of the first would look like a fork. */
function graceFaults(parsed: Given): string[] {
  const { SESSION_RENEW_SECONDS: renew, SESSION_GRACE_SECONDS: grace } = parsed
  return Number(grace) > Number(renew) ? ['SESSION_GRACE_SECONDS: must not be more than SESSION_RENEW_SECONDS'] : []
}

/** Refuses an incomplete destination, at which no line would arrive. The lab always sets the keys, without a destination. */
function datadogFaults(given: Given, lab: boolean): string[] {
  const has = (name: string) => name in given
  const faults: string[] = []
  if (has('DD_LOGS_URL') && !has('DD_API_KEY')) faults.push('DD_LOGS_URL: needs DD_API_KEY beside it')
  if (has('DD_APP_KEY') && !has('DD_API_KEY')) faults.push('DD_APP_KEY: needs DD_API_KEY beside it')
  if (has('DD_API_URL') && !has('DD_APP_KEY')) faults.push('DD_API_URL: needs DD_APP_KEY beside it')
  if (lab || has('DD_SITE')) return faults
  if (has('DD_APP_KEY') && !has('DD_API_URL')) {
    faults.push('DD_SITE: is missing, and DD_APP_KEY is set: open alerts are asked for at DD_SITE or DD_API_URL')
  } else if (has('DD_API_KEY') && !has('DD_LOGS_URL') && !has('DD_APP_KEY')) {
    faults.push('DD_SITE: is missing, and DD_API_KEY is set: log lines need both, or neither')
  }
  return faults
}

/** Lab secrets are in a file on a laptop, so they are refused outside the lab. */
function labFaults(given: Given, lab: boolean): string[] {
  const loopback = (value: unknown) => {
    const host = typeof value === 'string' && URL.canParse(value) ? new URL(value).hostname : ''
    return host === 'localhost' || host === '127.0.0.1' || host === '[::1]'
  }
  const origins = ['WEB_ORIGIN', 'FUNCTIONS_ORIGIN', 'RUM_PROXY', 'DD_LOGS_URL', 'DD_API_URL'].filter(
    (name) => name in given,
  )
  if (lab) {
    // Real people may own the addresses in the lab, so its mail must stay on this machine.
    return [...origins, ...['SMTP_URL', 'LAB_MAILBOX_URL'].filter((name) => name in given)]
      .filter((name) => !loopback(given[name]))
      .map((name) => `${name}: must be a loopback origin, because ATO_LAB=1`)
  }
  const labSecrets = SECRETS.filter((name) =>
    String(given[name] ?? '')
      .split(',')
      .some((item) => item.trim().startsWith(LAB_PREFIX)),
  )
  if (String(given.SESSION_SIGNING_KEYS ?? '').includes(`"kid":"${LAB_PREFIX}`)) labSecrets.push('SESSION_SIGNING_KEYS')
  return [
    ...('LAB_MAILBOX_URL' in given ? ['LAB_MAILBOX_URL: is for the lab only'] : []),
    ...labSecrets.map((name) => `${name}: is a lab secret; generate one of your own`),
    ...origins
      .filter((name) => !String(given[name]).startsWith('https://'))
      .map((name) => `${name}: must be https outside the lab`),
  ]
}
