/** Words that have no place in what is committed: work that was put off, and places that only one machine has. */
import { withoutExempt, type Exempt, type Finding } from './exceptions.ts'
import type { RepositoryFile } from './repository-files.ts'

const RULES: readonly { readonly pattern: RegExp, readonly why: string, readonly files?: RegExp }[] = [
  { pattern: /\b(?:TODO|FIXME|XXX|HACK)\b/, why: 'work that was put off: do it, or write it into an issue' },
  { pattern: /(?<![\w.])\/work\/|\/tmp\/brief|bash_jobs/, why: 'a path of one machine' },
  { pattern: /\.\.\/shared\/(?:facts|design|tools)\b|\b(?:facts|design)\/[\w-]+\.(?:json|md)\b|\bgcp-methods\b|\b(?:wire|gcp)\.md\b/, why: 'a file outside the repository: bring the fact over' },
  { pattern: /\bregistry\.(?:npmjs|yarnpkg)\.|\bnpmjs\.org\b|\bpypi\.org\b|\bpythonhosted\.org\b|\bcrates\.io\b|\bproxy\.golang\.org\b/, why: 'the host of a package registry: which one is used is the user\'s own setting' },
  { pattern: /"resolved": "https?:/, why: 'the host of a package registry: .npmrc has omit-lockfile-registry-resolved', files: /^package-lock\.json$/ },
  { pattern: /(?:^|[^\w.])(?:describe|it)\.only\(/, why: 'leaves all other tests out', files: /\.ts$/ },
]

export function checkWords(files: readonly RepositoryFile[], exempt: Exempt): readonly string[] {
  // What bytes of a picture spell is chance.
  return withoutExempt(files.filter(({ file }) => !/(?:^|\/)generated\/|\.png$/.test(file)).flatMap(findWords), exempt, 'words')
}

function findWords({ file, text }: RepositoryFile): readonly Finding[] {
  const rules = RULES.filter(({ files }) => files === undefined || files.test(file))
  return text.split('\n').flatMap((line, index) => rules.flatMap(({ pattern, why }) => {
    const found = pattern.exec(line)
    return found === null ? [] : [{ file, message: `${file}:${index + 1} says "${found[0].trim()}": ${why}` }]
  }))
}
