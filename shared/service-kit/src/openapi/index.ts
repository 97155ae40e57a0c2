/** Documents and contract checks made of described operations. For generators and tests: no service loads it. */
export { answerFaults, operationAt, type RealAnswer } from './answer-faults.ts'
export { openApiDocument, type Api } from './document.ts'
