import { readFile } from 'node:fs/promises'
import { readImportable, type SearchMonitor } from 'alertproof'
import { type ProfileName, profiles, type Setting } from '../../detections/profiles.ts'
import { withSetting } from '../../detections/setting.ts'

/** The monitors with the thresholds that a profile gives them. */
export function withProfile(monitors: readonly SearchMonitor[], name: ProfileName): Promise<SearchMonitor[]> {
  const settings: Readonly<Record<string, Setting>> = profiles[name]
  return Promise.all(
    monitors.map(async (monitor) => {
      const setting = settings[monitor.slug]
      if (!setting) return monitor
      const json = JSON.parse(await readFile(monitor.file, 'utf8')) as Parameters<typeof withSetting>[1]
      return readImportable(JSON.stringify(withSetting(monitor.slug, json, setting)), monitor.file)
    }),
  )
}
