import type { FunctionsHost } from './host.ts'

/** The text at the start of the host: its functions, and its differences from Azure's host. */
export function banner(host: Pick<FunctionsHost, 'url' | 'functions'>): string {
  const lines = host.functions.map(({ name, type, methods, route }) =>
    type === 'httpTrigger' ? `  ${name}: [${methods.join(',')}] ${host.url}${route}` : `  ${name}: ${type}`,
  )
  return `Embedded Azure Functions host on ${host.url}
Functions:
${lines.join('\n') || '  none'}
This is not Azure's host; do not use it in production. The @azure/functions library does all conversions, as in Azure.
Not supported: keys and authLevel, the singleton lock of timers across processes (one process, status in a local file),
Azure's throttles beyond host.json's two limits, platform headers, EasyAuth, scaling, cold start, log sampling, and triggers
other than HTTP and timer. Host and app share one process: if one crashes, both end.
Only loopback is served; a foreign Host or Origin is refused with 403.`
}
