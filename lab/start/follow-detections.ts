import type { Datadog } from '../datadog/server.ts'
import type { DetectionFiles, FileNews } from './detections.ts'
import { type FolderWatch, watchFolder } from './watch-folder.ts'

/** Reads the detections anew when they are edited, and reports on each file. Their state is that of {@link Datadog.configure}. */
export function followDetections(
  files: DetectionFiles,
  datadog: Pick<Datadog, 'configure'>,
  log: (text: string) => void,
): Promise<FolderWatch> {
  return watchFolder(files.dir, {
    log,
    async changed() {
      const news = await files.renew()
      const isChanged = news.some(({ kind }) => kind === 'accepted' || kind === 'deleted')
      const restarted = isChanged ? datadog.configure(files.content) : []
      for (const each of news) log(newsText(each, restarted))
    },
  })
}

function newsText({ file, kind, slug, reason, hasOlder }: FileNews, restarted: readonly string[]): string {
  switch (kind) {
    case 'accepted':
      if (slug === undefined) return `${file} was read anew.`
      return restarted.includes(slug)
        ? `${file} was read anew: it starts again, over the logs of its window.`
        : `${file} was read anew: it is evaluated as before and keeps its alerts.`
    case 'deleted':
      return slug === undefined ? `${file} was deleted.` : `${file} was deleted: its groups and alerts have ended.`
    case 'as-before':
      return `${file} is again as it was read last.`
    case 'refused':
      return `Refused: ${reason}\n  ${hasOlder ? 'The lab goes on with the one before.' : 'The lab does not evaluate it.'}`
  }
}
