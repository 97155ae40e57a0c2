/**
 * Which traces are kept. A trace begins at the gateway: the share is drawn from the gateway's own random ids, so that no agent can turn
 * cost on (or itself out of sight) by what it sends. Inside the gateway everybody follows the span that began the trace.
 */
import { createContextKey, trace, TraceFlags, type Context } from '@opentelemetry/api'
import { SamplingDecision, TraceIdRatioBasedSampler, type Sampler } from '@opentelemetry/sdk-trace'

const ALWAYS = createContextKey('lockkeeper.always')

export function keepAlways(context: Context): Context {
  return context.setValue(ALWAYS, true)
}

export function houseSampler(ratio: number): Sampler {
  const share = new TraceIdRatioBasedSampler(ratio)
  return {
    shouldSample(context, traceId) {
      if (context.getValue(ALWAYS) === true) return { decision: SamplingDecision.RECORD_AND_SAMPLED }
      const parent = trace.getSpanContext(context)
      if (parent === undefined) return share.shouldSample(context, traceId)
      return { decision: (parent.traceFlags & TraceFlags.SAMPLED) === 0 ? SamplingDecision.NOT_RECORD : SamplingDecision.RECORD_AND_SAMPLED }
    },
    toString: () => `lockkeeper(${ratio})`,
  }
}
