/** For HEALTHCHECK in an image without shell and curl: `node health.js [PATH]`, 0 when this container's own PATH answers 200. */
const { PORT = '8080' } = process.env
const [path = '/healthz'] = process.argv.slice(2)

const answer = await fetch(`http://127.0.0.1:${PORT}${path}`, { signal: AbortSignal.timeout(4_000) }).catch(() => undefined)
process.exitCode = answer?.status === 200 ? 0 : 1
