/**
 * OpenAPI 3.1 as far as our documents use it, each object with the fields that the specification (3.1.0, section 4.8) gives it and no
 * other. Schemas are looked at as JSON Schema 2020-12 keywords.
 */
import { z } from 'zod'

const text = z.string().min(1)
const schema: z.ZodType = z.lazy(() => z.union([z.boolean(), z.strictObject({
  $ref: text.optional(), type: z.enum(['string', 'integer', 'number', 'boolean', 'object', 'array', 'null']).optional(), description: z.string().optional(), title: z.string().optional(), format: text.optional(), default: z.unknown().optional(),
  const: z.unknown().optional(), enum: z.array(z.unknown()).min(1).optional(), examples: z.array(z.unknown()).optional(), example: z.unknown().optional(), pattern: text.optional(),
  minLength: z.int().optional(), maxLength: z.int().optional(), minimum: z.number().optional(), maximum: z.number().optional(), exclusiveMinimum: z.number().optional(), exclusiveMaximum: z.number().optional(),
  minItems: z.int().optional(), maxItems: z.int().optional(), items: schema.optional(), properties: z.record(z.string(), schema).optional(), required: z.array(text).optional(),
  additionalProperties: schema.optional(), propertyNames: schema.optional(), anyOf: z.array(schema).min(1).optional(), oneOf: z.array(schema).min(1).optional(), allOf: z.array(schema).min(1).optional(), not: schema.optional(),
  discriminator: z.strictObject({ propertyName: text, mapping: z.record(z.string(), text).optional() }).optional(),
})]))

const example = z.strictObject({ summary: text.optional(), description: text.optional(), value: z.unknown() })
const media = z.strictObject({ schema, example: z.unknown().optional(), examples: z.record(z.string(), example).optional() }).refine((each) => each.example === undefined || each.examples === undefined, 'example and examples exclude each other')
const content = z.record(z.string().regex(/^[a-z]+\/[a-z0-9.+-]+$/), media)
const header = z.strictObject({ description: text, schema })
const reference = z.strictObject({ $ref: text })
const response = z.strictObject({ description: text, headers: z.record(z.string(), header).optional(), content: content.optional() })
const parameter = z.strictObject({ in: z.enum(['path', 'query', 'header']), name: text, description: text.optional(), required: z.boolean().optional(), schema, example: z.unknown().optional(), examples: z.record(z.string(), example).optional() })
  .refine((each) => each.in !== 'path' || each.required === true, 'a parameter of the path is required')

const operation = z.strictObject({
  operationId: z.string().regex(/^[a-z][A-Za-z]+$/), tags: z.array(text).length(1), summary: text, description: text.optional(), security: z.array(z.record(z.string(), z.array(z.string()))).min(1),
  parameters: z.array(parameter).optional(), requestBody: z.strictObject({ required: z.literal(true), content }).optional(), responses: z.record(z.string().regex(/^[2-5]\d\d$/), z.union([reference, response])),
})

/** One document. */
export const openApiStructure = z.strictObject({
  openapi: z.literal('3.1.0'),
  info: z.strictObject({ title: text, version: text, description: text, license: z.strictObject({ name: text, identifier: text }) }),
  servers: z.array(z.strictObject({ url: z.url(), description: text })).min(1),
  tags: z.array(z.strictObject({ name: text, description: text })),
  paths: z.record(z.string().regex(/^(?:\/(?:[a-z0-9-]+|\{[a-z]+\}))+$/i), z.strictObject({ get: operation.optional(), post: operation.optional(), put: operation.optional() })),
  components: z.strictObject({
    schemas: z.record(z.string().regex(/^[\w.-]+$/), schema).optional(), responses: z.record(z.string(), response).optional(),
    securitySchemes: z.record(z.string(), z.union([z.strictObject({ type: z.literal('http'), scheme: z.literal('bearer'), bearerFormat: text, description: text }), z.strictObject({ type: z.literal('apiKey'), in: z.literal('cookie'), name: text, description: text })])).optional(),
  }),
})

export type OpenApiStructure = z.output<typeof openApiStructure>
