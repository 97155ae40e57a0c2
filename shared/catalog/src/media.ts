/** Uploads and downloads: the path and `uploadType` or `alt` together say which variant of a method is meant. */
import { refuse, type Refusal } from '@lockkeeper/domain/errors'
import type { Media, Route } from './method-entries.ts'

const UPLOADS: Readonly<Record<string, Media>> = { media: 'upload-simple', multipart: 'upload-multipart', resumable: 'upload-resumable' }

export function mediaOf(route: Route, arguments_: Readonly<Record<string, string>>): Media | Refusal {
  const { alt, uploadType } = arguments_
  if (route.place === 'download' || route.place === 'plain') return downloadOf(route, alt, uploadType)
  if (alt === 'media') return refuse('REQUEST_INVALID', 'alt=media asks for content and this path takes it.')
  const media = uploadOf(route, uploadType, arguments_['upload_id'])
  return media ?? refuse('REQUEST_INVALID', 'The upload path and uploadType do not fit together.')
}

function downloadOf(route: Route, alt: string | undefined, uploadType: string | undefined): Media | Refusal {
  if (uploadType !== undefined) return refuse('REQUEST_AMBIGUOUS', 'uploadType stands on a path that takes no upload. Uploads go to /upload/….')
  if (route.place === 'download') return alt === 'media' ? 'download' : refuse('REQUEST_AMBIGUOUS', 'A download path without alt=media.')
  if (alt !== 'media') return 'none'
  return route.entry.row.download === undefined ? refuse('REQUEST_INVALID', 'The method has no content to download; alt=media is not taken.') : 'download'
}

function uploadOf(route: Route, uploadType: string | undefined, session: string | undefined): Media | Refusal | undefined {
  if (route.place === 'upload') return uploadType === undefined ? undefined : UPLOADS[uploadType]
  if (uploadType !== undefined && uploadType !== 'resumable') return undefined
  if (route.place === 'upload-session' && (session ?? '') === '') return refuse('REQUEST_INVALID', 'A PUT to an upload path needs the upload_id of its session.')
  return 'upload-resumable'
}
