import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { levelProblem } from '../gateway/isolation.ts'
import { chooseLevel } from './run-command.ts'
import { openTestGateway, type TestGateway } from './test-gateway.ts'

const LIST = 'curl -sS -o answer.json -w "%{http_code}" -H "Authorization: Bearer $(cat "$LOCKKEEPER_TOKEN_FILE")" "https://storage.googleapis.com/storage/v1/b?project=sandbox-project"'
const LEVELS = ['none', 'user', 'container'] as const

describe('lockkeeper run', function () {
  this.timeout(20_000)
  let world: TestGateway
  let home: string

  before(async () => {
    world = await openTestGateway()
    await chmod(world.work, 0o777)
    home = await mkdtemp(join(tmpdir(), 'lockkeeper-home-'))
    await mkdir(join(home, '.config', 'gcloud'), { recursive: true })
    await writeFile(join(home, '.config', 'gcloud', 'application_default_credentials.json'), '{"type":"authorized_user","refresh_token":"developers-own"}')
    await writeFile(join(home, '.boto'), 'gs_oauth2_refresh_token = developers-own')
  })
  after(async () => {
    await world.close()
    await rm(home, { recursive: true, force: true })
  })

  const run = (level: string, command: readonly string[], options: readonly string[] = [], directory = world.work): ReturnType<TestGateway['lockkeeper']> =>
    world.lockkeeper(['run', '--isolation', level, ...options, '--', ...command], { directory, environment: { HOME: home, GOOGLE_APPLICATION_CREDENTIALS: join(home, 'key.json'), CLOUDSDK_CONFIG: join(home, '.config', 'gcloud'), GOOGLE_OAUTH_ACCESS_TOKEN: 'developers-own' } })
  const shell = (level: string, script: string, options: readonly string[] = [], directory = world.work): ReturnType<TestGateway['lockkeeper']> => run(level, ['sh', '-c', script], options, directory)
  const must = (level: string, context: Mocha.Context): void => {
    const problem = levelProblem(level as 'user')
    if (problem === undefined) return
    process.stdout.write(`      skipped, level ${level} cannot be had here: ${problem}\n`)
    context.skip()
  }

  it('the agent\'s token comes from the file that --token-file names, for `run`, `agent env` and `agent adc`', async function () {
    this.timeout(60_000)
    const file = join(world.work, 'own-token.jwt')
    await writeFile(file, (await world.lockkeeper(['agent', 'token', '--agent', 'own-agent', '--run', 'r1', '--sponsor', 'sam.sponsor@sandbox.example.com'])).out.trim())
    const { code, out, err } = await shell('none', `rm -f answer.json; ${LIST}; cmp "$LOCKKEEPER_TOKEN_FILE" ${file}`, ['--token-file', file])
    assert.equal(code, 0, err)
    assert.equal(out, '200')
    for (const command of ['env', 'adc']) {
      const told = await world.lockkeeper(['agent', command, '--token-file', file])
      assert.equal(told.code, 0, told.err)
      assert.ok(told.out.includes(file), told.out)
    }
  })

  for (const level of LEVELS) {
    describe(`at level ${level}`, () => {
      before(function () { must(level, this) })

      it('invariant 3: the command reaches Google through the gateway, and finds no credential, token or descriptor beside its own', async () => {
        const { code, out, err } = await shell(level, `rm -f answer.json
          ${LIST}; chmod a+rw answer.json; echo
          env; cat "$CLOUDSDK_CONFIG"/* "$BOTO_CONFIG" "$BIGQUERYRC" "$GOOGLE_APPLICATION_CREDENTIALS" 2>&1
          cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\\0" "\\n" > args.txt; chmod a+rw args.txt; if grep -qF -f "$LOCKKEEPER_TOKEN_FILE" args.txt; then echo "token on a command line"; fi; rm -f args.txt
          for f in 3 4 5 6 7 8 9 11 12 13 14 15 16 17 18 19 20 21 22 23 24; do if [ -e /proc/$$/fd/$f ]; then echo "descriptor $f is open"; fi; done
          exit 7`)
        assert.equal(code, 7, err)
        assert.match(err, new RegExp(`^lockkeeper: isolation ${level}: `))
        assert.match(out, /^200\n/)
        assert.doesNotMatch(out, /developers-own|token on a command line|descriptor \d+ is open/)
        assert.match(out, /external_account/)
        assert.match(out, /^GCE_METADATA_HOST=127\.0\.0\.1:1$/m)
        // The run's own directory is gone when the run is.
        const [, tokenFile = ''] = /^LOCKKEEPER_TOKEN_FILE=(.*)$/m.exec(out) ?? []
        await assert.rejects(readdir(dirname(dirname(tokenFile))), { code: 'ENOENT' })
      })

      it('a signal to lockkeeper reaches the command, whose own exit code counts', async () => {
        let sent = false
        const { code, out } = await world.lockkeeper(['run', '--quiet', '--isolation', level, '--', 'sh', '-c', 'trap "echo told; exit 3" TERM; echo ready; while :; do sleep 0.05; done'], {
          onOutput(text, pid) {
            if (sent || !text.includes('ready')) return
            sent = true
            process.kill(pid, 'SIGTERM')
          },
        })
        assert.deepEqual([out, code], ['ready\ntold\n', 3])
      })
    })
  }

  describe('at level user', () => {
    before(function () { must('user', this) })

    it('invariant 12: the gateway\'s files, keys and admin socket are closed to the command', async () => {
      const directory = world.gateway.directory
      const { out, err } = await shell('user', `id -u; id -G; for f in "${directory}" "${directory}"/store.sqlite "${directory}"/ca/ca-key.pem "${directory}"/keys/signing.pem "${world.admin}" "${home}/.config/gcloud"; do if [ -r "$f" ] || [ -w "$f" ]; then echo "open: $f"; fi; done; echo $HOME`)
      const [uid, groups, ownHome, ...more] = out.trim().split('\n')
      assert.notEqual(uid, '0', err)
      assert.equal(groups, uid)
      assert.notEqual(ownHome, home)
      assert.deepEqual(more, [])
    })

    it('a user who can read the gateway\'s files is refused', async () => {
      await chmod(world.sandbox.directory, 0o755)
      await chmod(world.gateway.directory, 0o755)
      try {
        const { code, err } = await shell('user', 'echo started')
        assert.equal(code, 1)
        assert.match(err, /can reach .*\.lockkeeper/)
      } finally {
        await chmod(world.gateway.directory, 0o700)
        await chmod(world.sandbox.directory, 0o700)
      }
    })
  })

  describe('at level container', () => {
    let elsewhere: Server
    let port: number
    before(async function () {
      must('container', this)
      elsewhere = createServer((socket) => socket.end('reached')).listen(0, '127.0.0.1')
      await new Promise((resolve) => elsewhere.once('listening', resolve))
      port = (elsewhere.address() as { readonly port: number }).port
    })
    after(() => { elsewhere?.close() })

    /** Runs in the directory that holds the gateway's own configuration, policies and store: the hardest place. */
    const HOSTILE: readonly (readonly [title: string, script: string])[] = [
      ['invariant 12: reads the store', 'cat .lockkeeper/store.sqlite'],
      ['invariant 12: finds anything in the gateway\'s directory', '[ -n "$(ls -A .lockkeeper)" ]'],
      ['invariant 12: reads the authority\'s key', 'cat .lockkeeper/ca/ca-key.pem'],
      ['invariant 12: reads a signing key', 'cat .lockkeeper/keys/*'],
      ['invariant 12: opens the admin socket', 'curl -sS --unix-socket .lockkeeper/admin.sock http://admin/v1/status'],
      ['invariant 12: makes a store of its own', 'echo x > .lockkeeper/store.sqlite'],
      ['invariant 12: moves the gateway\'s directory away', 'mv .lockkeeper gone'],
      ['invariant 12: uncovers the gateway\'s directory', 'umount .lockkeeper'],
      ['invariant 12: uncovers it from a nested namespace', 'unshare -Urm umount .lockkeeper'],
      ['invariant 12: adds a policy', 'echo x > policies/zzz.yaml'],
      ['invariant 12: replaces the policies', 'rm -rf policies || mv policies gone'],
      ['invariant 12: changes the configuration', 'echo x >> lockkeeper.yaml'],
      ['invariant 12: replaces the configuration', 'mv lockkeeper.yaml gone.yaml || rm -f lockkeeper.yaml'],
      ['invariant 12: makes itself a reviewer', 'echo x >> people.yaml'],
      ['invariant 3: reads the developer\'s credentials', 'cat "$HOME/.config/gcloud/application_default_credentials.json" "$HOME/.boto"'],
      ['sees a process outside', '[ -e /proc/OUTSIDE ]'],
      // NODE_V8_COVERAGE: Node itself hands it to every child when the tests are run with coverage.
      ['reads the environment of the process that started it', 'tr "\\0" "\\n" < /proc/1/environ | grep -vE "^(PATH|PWD|OLDPWD|NODE_V8_COVERAGE)="'],
      ['signals a process outside', 'kill -0 OUTSIDE'],
      ['reads the memory of a process outside', 'cat /proc/OUTSIDE/maps'],
      ['reaches another port of this machine', 'curl -sS -m 2 http://127.0.0.1:ELSEWHERE/'],
      ['reaches the metadata server', 'curl -sS -m 2 --noproxy "*" http://169.254.169.254/computeMetadata/v1/'],
      ['reaches another machine', 'curl -sS -m 2 --noproxy "*" https://192.0.2.1/'],
      ['reaches a host that is no target through the gateway', 'curl -sS -m 5 https://example.com/'],
      ['finds sockets of other services', '[ -n "$(find / -xdev -type s -not -path "/run/lockkeeper/gate/gateway.sock" 2>/dev/null)" ]'],
      ['holds a capability', 'grep -E "^Cap(Inh|Prm|Eff|Amb)" /proc/self/status | grep -v 0000000000000000'],
      ['could gain privileges', 'grep "^NoNewPrivs:.*0" /proc/self/status'],
      ['mounts something', 'mount -t tmpfs tmpfs /tmp'],
      ['makes a device', 'mknod disk b 254 0'],
      ['writes to the system', 'echo x > /usr/bin/planted || echo x > /etc/planted || echo x > /planted'],
      ['changes the kernel\'s settings', 'cat /proc/sys/kernel/core_pattern > /proc/sys/kernel/core_pattern'],
      ['reads what only the superuser may', 'grep -q . /etc/shadow /etc/gshadow'],
      ['changes what the agent\'s clients trust', 'echo x >> "$SSL_CERT_FILE" || echo x > "$GOOGLE_APPLICATION_CREDENTIALS"'],
      ['replaces the program that opens the way out', 'echo x > /run/lockkeeper/node'],
    ]
    it('a hostile command gets nowhere: every attempt of the table fails', async () => {
      const script = HOSTILE.map(([, attempt], index) => `if ( ${attempt.replaceAll('OUTSIDE', String(process.pid)).replaceAll('ELSEWHERE', String(port))} ) >out.txt 2>&1; then echo "succeeded ${index}: $(head -c 200 out.txt)"; fi`).join('\n')
      const { code, out, err } = await shell('container', `${script}\nrm -f out.txt; echo done`, [], world.sandbox.directory)
      assert.equal(code, 0, err)
      const succeeded = [...out.matchAll(/^succeeded (\d+): (.*)$/gm)].map(([, index, text]) => `${HOSTILE[Number(index)]?.[0]}: ${text}`)
      assert.deepEqual(succeeded, [])
      assert.match(out, /^done$/m)
    })
    for (const [index, [title]] of HOSTILE.entries()) assert.ok(HOSTILE.findIndex(([other]) => other === title) === index, `two attempts are called ${title}`)

    it('what is the agent\'s own works: the gateway\'s port on loopback, the working directory, the settings to read', async () => {
      const { code, out, err } = await shell('container', 'curl -sS -o /dev/null -w "%{http_code}\\n" "$LOCKKEEPER_GATEWAY/healthz"; echo made > made.txt && cat made.txt; head -c 30 policies/*.yaml | grep -q apiVersion && echo rules; rm made.txt', [], world.sandbox.directory)
      assert.deepEqual([code, out], [0, '200\nmade\nrules\n'], err)
    })

    it('--read shows a place and keeps it whole; --write lets it be changed', async () => {
      const [read, write] = [await mkdtemp(join(tmpdir(), 'lockkeeper-read-')), await mkdtemp(join(tmpdir(), 'lockkeeper-write-'))]
      await writeFile(join(read, 'a'), 'shown')
      const { out } = await shell('container', `cat ${read}/a; { echo x > ${read}/b; } 2>/dev/null || echo kept; echo x > ${write}/b && echo written`, ['--read', read, '--write', write])
      assert.equal(out, 'shownkept\nwritten\n')
      assert.deepEqual([await readdir(read), await readdir(write)], [['a'], ['b']])
      await Promise.all([rm(read, { recursive: true }), rm(write, { recursive: true })])
    })

    it('invariant 12: the gateway\'s directory is no working directory for an agent', async () => {
      const { code, out, err } = await shell('container', 'echo started', [], world.gateway.directory)
      assert.deepEqual([code, out], [1, ''])
      assert.match(err, /gateway's own files/)
    })

    it('invariant 12: a settings file that is saved anew loses its cover, so the command ends before it can change it', async () => {
      const file = join(world.sandbox.directory, 'lockkeeper.yaml')
      const text = await readFile(file, 'utf8')
      let saved: Promise<void> | undefined
      const { code, err } = await world.lockkeeper(['run', '--isolation', 'container', '--', 'sh', '-c', 'echo ready; while :; do sleep 0.05; done'], {
        directory: world.sandbox.directory,
        onOutput(out) { if (out.includes('ready')) saved ??= writeFile(`${file}.new`, text).then(() => rename(`${file}.new`, file)) },
      })
      await saved
      assert.equal(code, 137)
      assert.match(err, /lockkeeper\.yaml was replaced while the command ran/)
    })

    it('inside the container too, a command that a signal ends gives 128 + its number, one that is not there 127', async () => {
      assert.equal((await shell('container', 'kill -KILL $$')).code, 137)
      const { code, err } = await run('container', ['no-such-program'])
      assert.equal(code, 127)
      assert.match(err, /--read DIRECTORY/)
    })

    it('root can start the container as another user', async function () {
      if (process.getuid?.() !== 0) this.skip()
      const { out, err } = await shell('container', 'id -u; grep CapEff /proc/self/status', ['--as', 'nobody'])
      assert.match(out, /^65534\nCapEff:\s0{16}\n$/, err)
    })
  })

  for (const level of ['user', 'container'] as const) {
    it(`invariant 12: at level ${level} no descriptor that the caller left open leads out, however high its number; one that the command names stays`, async function () {
      must(level, this)
      const script = `exec 200< "$SHOWN" 251> "$SHOWN/left.txt"; exec "$0" "$@" "/dev/fd/63" 63< <(echo named)`
      const attempt = 'for f in /proc/self/fd/*; do case "$f" in */200|*/251) echo "open: $f $(ls -A "$f/" 2>&1)";; esac; done; cat "$1"'
      const { out, err } = await world.through(['bash', '-c', script], ['run', '--isolation', level, '--', 'sh', '-c', attempt, 'sh'], { environment: { HOME: home, SHOWN: world.sandbox.directory } })
      // Another user may not open a pipe of the caller's again, whatever its number.
      assert.equal(out, level === 'user' ? '' : 'named\n', err)
      assert.ok(level === 'container' || err.includes('/dev/fd/63: Permission denied'), err)
    })
  }

  it('a level weaker than the gateway states in its records is refused, also when auto finds no stronger one', () => {
    assert.throws(() => chooseLevel({ isolation: 'none' }, { isolation: 'user' }), /states isolation user in its records/)
    assert.throws(() => chooseLevel({ isolation: 'user' }, { isolation: 'container' }), /states isolation container in its records/)
    assert.equal(chooseLevel({ isolation: 'none' }, { isolation: 'none' }), 'none')
    if (levelProblem('container') !== undefined) assert.throws(() => chooseLevel({ isolation: 'auto' }, { isolation: 'container' }), /states isolation container/)
  })

  it('auto takes the strongest level that works here', async () => {
    const { err } = await run('auto', ['true'])
    const strongest = [...LEVELS].reverse().find((level) => levelProblem(level) === undefined)
    assert.match(err, new RegExp(`^lockkeeper: isolation ${strongest}: `))
  })
})
