import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { checkLinks } from '../checks/links.ts'
import { readRepositoryFiles, type RepositoryFile } from '../checks/repository-files.ts'
import { checkCommands } from './check-commands.ts'
import { checkPages, knownOf } from './doc-checks.ts'
import { readPage } from './markdown.ts'
import { shellCommands } from './shell-commands.ts'

const FILES = readRepositoryFiles(join(import.meta.dirname, '../..'))
const KNOWN = knownOf(FILES)

const README = { file: 'README.md', text: '# Top\n\n[docs](docs/README.md)\n' }
const DOCS: readonly RepositoryFile[] = [README, { file: 'docs/README.md', text: '# Docs\n\n## What is `it`?\n\n## Same\n\n## Same\n' }, { file: 'docs/examples/one.yaml', text: '' }]

const LINKS: readonly (readonly [string, string, string | undefined])[] = [
  ['a file', '[x](examples/one.yaml)', undefined],
  ['a folder', '[x](examples)', undefined],
  ['a heading of its own', '[x](#what-is-it)', undefined],
  ['the second heading of a name', '[x](#same-1)', undefined],
  ['another page', '[x](../README.md#top)', undefined],
  ['an https address', '[x](https://example.com/a#b)', undefined],
  ['nothing, in code', '`[x](gone.md)`', undefined],
  ['nothing, in a block', '```text\n[x](gone.md)\n```', undefined],
  ['a file that is not there', '[x](gone.md)', 'links to gone.md: there is no such file'],
  ['an image that is not there', '![x](gone.png)', 'links to gone.png: there is no such file'],
  ['a file that is not there, by name', '[x]\n\n[x]: gone.md', 'links to gone.md: there is no such file'],
  ['a heading that is not there', '[x](../README.md#bottom)', 'links to ../README.md#bottom: README.md has no heading for #bottom'],
  ['a heading of its own that is not there', '[x](#same-2)', 'links to #same-2: docs/README.md has no heading for #same-2'],
  ['the root', '[x](/README.md)', 'links to /README.md: it must be relative'],
  ['plain http', '[x](http://example.com)', 'links to http://example.com: it is no https address'],
]

const COMMANDS: readonly (readonly [string, string | undefined])[] = [
  ['lockkeeper policy check ./policies', undefined],
  ['npx lockkeeper audit tail --follow | head -n 3 > out.txt', undefined],
  ['lockkeeper run --token-file t.jwt -- gcloud storage ls', undefined],
  ['export A=1 && TOKEN=$(lockkeeper agent token --agent a --run r --sponsor s) npm run lint -- layers # as it is', undefined],
  ['for one in a b; do\n  echo "$one"\ndone', undefined],
  ['cat > a.yaml <<EOF\nnothing here is a command\nEOF', undefined],
  ['terraform -chdir=terraform/modules/topic init', undefined],
  ['lockkeeper polciy check ./policies', 'lockkeeper has no polciy'],
  ['lockkeeper policy', 'lockkeeper policy needs a command'],
  ['lockkeeper policy verify', 'lockkeeper policy has no verify'],
  ['lockkeeper lock set --agnt a --reason r', 'lockkeeper lock set has no --agnt'],
  ['lockkeeper audit show', 'lockkeeper audit show takes 1 arguments, not 0'],
  ['lockkeeper audit verify one two', 'lockkeeper audit verify takes 0 to 1 arguments, not 2'],
  ['lockkeeper run -- gclod storage ls', 'gclod is a program that these pages do not use'],
  ['lockkeeper run -- sh -c \'crl https://example.com\'', 'crl is a program that these pages do not use'],
  ['echo "$(lockkeeper agnt env)"', 'lockkeeper has no agnt'],
  ['true && npm run lnt', 'package.json has no script lnt'],
  ['npm isntall', 'npm has no isntall'],
  ['npx tsc', 'npx runs tsc, which the repository does not bring'],
  ['node scripts/gone.ts', 'node names scripts/gone.ts, which is not there'],
  ['cp terraform/environments/prod/gone.tfvars prod.tfvars', 'cp names terraform/environments/prod/gone.tfvars, which is not there'],
  ['npx lockkeeper policy check docs/examples/policies/', undefined],
  ['terraform aply', 'terraform has no aply'],
  ['terraform -chdir=terraform/gone plan', 'terraform works in terraform/gone, which is not there'],
  ['gcloud storge ls', 'gcloud has no storge'],
]

describe('links', () => {
  for (const [what, link, fault] of LINKS) it(`${fault === undefined ? 'lets pass' : 'finds'} a link to ${what}`, () => {
    const found = checkLinks(DOCS.map((one) => one.file === 'docs/README.md' ? { ...one, text: `${link}\n\n${one.text}` } : one))
    assert.deepEqual(found.map((one) => one.replace(/^docs\/README\.md:\d+ /, '')), fault === undefined ? [] : [fault])
  })

  it('a page that nothing leads to is found, with its line', () => {
    assert.deepEqual(checkLinks([...DOCS, { file: 'docs/alone.md', text: '[x](gone.md)' }]), ['docs/alone.md:1 links to gone.md: there is no such file', 'docs/alone.md:1 no link from README.md leads here'])
  })
})

describe('commands in the docs', () => {
  for (const [text, fault] of COMMANDS) it(`${fault === undefined ? 'lets pass' : 'finds'}: ${text.replaceAll('\n', ' ⏎ ')}`, () => {
    assert.deepEqual(checkCommands([{ file: 'docs/x.md', text: `# X\n<!-- not run: it is made up -->\n\`\`\`sh\n${text}\n\`\`\`\n` }], KNOWN), fault === undefined ? [] : [`docs/x.md:4 ${fault}`])
  })

  it('what a console prints is no command, and what follows its prompt is', () => {
    assert.deepEqual(checkCommands([{ file: 'docs/x.md', text: '<!-- runs -->\n```console\n$ lockkeeper gone\nlockkeeper: there is no such thing\n```' }], KNOWN), ['docs/x.md:3 lockkeeper has no gone'])
  })

  it('commands in sentences exist, both of two alternatives', () => {
    assert.deepEqual(checkCommands([{ file: 'docs/x.md', text: 'As `lockkeeper grants list|rewoke`, `lockkeeper audit show RECORD` and `lockkeeper.yaml` say.' }], KNOWN), ['docs/x.md:1 lockkeeper grants has no rewoke'])
  })

  it('a block says what it is', () => {
    assert.match(checkCommands([{ file: 'docs/x.md', text: '```\nls\n```' }], KNOWN).join(), /docs\/x\.md:1 a block says what it is/)
  })

  it('words are read as a shell reads them', () => {
    assert.deepEqual(shellCommands('a \'b c\'"d $(e f)" \\\n  g 2>&1 | h; i <<X\nj\nX\nk', 1), [
      { words: ['e', 'f'], line: 1 }, { words: ['a', 'b cd $()', 'g'], line: 1 }, { words: ['h'], line: 2 }, { words: ['i'], line: 2 }, { words: ['k'], line: 5 },
    ])
  })

  it('a block is marked by the comment above it', () => {
    const marks = ['<!-- runs -->', '<!-- runs in the sandbox, without: lift RUN -->', '<!-- ran -->'].map((mark) => readPage(`${mark}\n\`\`\`sh\nls\n\`\`\``).fences[0]?.runs)
    assert.deepEqual(marks, [{ sandbox: false, without: [] }, { sandbox: true, without: ['lift', 'RUN'] }, undefined])
  })

  const MARKS: readonly (readonly [string, string, boolean])[] = [
    ['nothing', '', false],
    ['a word that is no mark', '<!-- ran -->', false],
    ['no reason', '<!-- not run: -->', false],
    ['a reason', '<!-- not run: it needs Google Cloud -->', true],
    ['a reason for the whole page', '<!-- not run on this page: it needs Google Cloud -->\n\nAnd so:\n', true],
    ['a reason further up that is for another block', '<!-- not run: it needs Google Cloud -->\n\n', false],
  ]
  for (const [what, above, sound] of MARKS) it(`a block of commands below ${what} is ${sound ? 'taken' : 'found'}, and told how to say whether it runs`, () => {
    const found = checkCommands([{ file: 'docs/x.md', text: `${above}\n\`\`\`sh\nls\n\`\`\`` }], KNOWN)
    assert.equal(found.length, sound ? 0 : 1)
    if (!sound) assert.match(found[0] ?? '', /^docs\/x\.md:\d+ a block of commands says .*<!-- not run: WHY -->$/)
  })
})

describe('the pages of this repository', () => {
  it('have blocks that a shell can read, also those that no test runs', () => {
    const unread = FILES.filter(({ file }) => file.endsWith('.md')).flatMap(({ file, text }) => readPage(text).fences.filter(({ language }) => language === 'sh').flatMap((fence) => {
      const { status, stderr } = spawnSync('sh', ['-n'], { input: fence.text, encoding: 'utf8' })
      return status === 0 ? [] : [`${file}:${fence.line} ${stderr}`]
    }))
    assert.deepEqual(unread, [])
  })

  it('have sound links and commands that exist', () => assert.deepEqual(checkPages(FILES), []))
})
