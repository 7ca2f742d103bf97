import { getText } from '../http.ts'
import { Icon } from './icon.tsx'
import { openText } from './text-dialog.tsx'

/** Opens a file of the repository in a dialog. */
export function FileLink({ path }: { path: string }) {
  const show = () => openText(path, () => getText(`/lab/files?path=${encodeURIComponent(path)}`))
  return (
    <button type="button" class="link file-link" onClick={() => void show()}>
      <Icon name="file" />
      {path}
    </button>
  )
}
