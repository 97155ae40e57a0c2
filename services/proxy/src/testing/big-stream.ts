/**
 * Run as a process of its own: a proxy through which so many MiB go up or down, with a rolling hash at both ends.
 * Prints one line of JSON: the hashes and how far the process's memory grew. The ends live in the parent.
 */
import { startTestProxy } from './test-proxy.ts'

const [upstream = ''] = process.argv.slice(2)
const test = await startTestProxy({ upstream })
let most = 0
let least = Infinity
const timer = setInterval(() => {
  const { rss } = process.memoryUsage()
  most = Math.max(most, rss)
  least = Math.min(least, rss)
}, 10)
process.send?.({ origin: test.origin, authorization: test.bearer().authorization })
process.on('message', (message) => {
  // The first megabytes make the process as large as any traffic does; growth is counted from there.
  if (message === 'reset') {
    const { rss } = process.memoryUsage()
    most = rss
    least = rss
    process.send?.({ reset: true })
    return
  }
  if (message === 'measure') return void process.send?.({ growth: most - least })
  clearInterval(timer)
  test.stop().then(() => process.disconnect(), () => process.disconnect())
})
