import { approvalLifecycle } from '../test/lifecycle-suite.ts'

approvalLifecycle('SQLite')
