/** `node main.ts NAME ARGS`: the entry of a child process when the sandbox runs from source. */
import { runClient } from './run-client.ts'

const [name = '', ...args] = process.argv.slice(2)
process.exitCode = await runClient(name, args, process.env, { out: process.stdout, err: process.stderr })
