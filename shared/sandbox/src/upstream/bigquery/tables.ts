/** The tables that the sandbox's BigQuery holds. People, numbers and accounts are invented or the published test values. */

export interface Column { readonly name: string, readonly type: 'STRING' | 'INTEGER' | 'TIMESTAMP' | 'FLOAT', readonly mode: 'NULLABLE' | 'REQUIRED' }
export interface Table { readonly dataset: string, readonly id: string, readonly columns: readonly Column[], readonly rows: readonly (readonly (string | null)[])[] }

const column = (name: string, type: Column['type'] = 'STRING'): Column => ({ name, type, mode: name === 'id' ? 'REQUIRED' : 'NULLABLE' })

const CUSTOMERS: Table = {
  dataset: 'crm', id: 'customers',
  columns: [column('id', 'INTEGER'), column('name'), column('email'), column('phone'), column('iban'), column('card'), column('note'), column('balance', 'FLOAT')],
  rows: [
    ['1', 'Mira Holt', 'mira.holt@customers.example.com', '+44 20 7946 0018', 'GB29NWBK60161331926819', '4111 1111 1111 1111', 'prefers calls after six', '120.50'],
    ['2', 'Jonas Weber', 'jonas.weber@customers.example.com', '+49 30 23125 014', 'DE89370400440532013000', '5555 5555 5555 4444', 'writes from j.weber+private@mail.example.org', '0'],
    ['3', 'Inés Duarte', 'ines.duarte@customers.example.com', '+34 912 345 678', 'ES9121000418450200051332', '3782 822463 10005', null, '-14.25'],
    ['4', 'Tomasz Zieliński', 'tomasz@customers.example.com', '+48 22 555 01 23', 'PL61109010140000071219812874', '6011 1111 1111 1117', 'no letters please', '99000.01'],
    ['5', 'Aiko Tanaka', 'aiko.tanaka@customers.example.com', '+81 3-5555-0142', 'FR1420041010050500013M02606', '4242-4242-4242-4242', 'second contact: front.desk@customers.example.com', '12'],
  ],
}

const DEPLOYS: Table = {
  dataset: 'ops', id: 'deploys',
  columns: [column('id', 'INTEGER'), column('service'), column('version'), column('result')],
  rows: [['1', 'checkout', '1.14.0', 'ok'], ['2', 'checkout', '1.14.1', 'rolled back'], ['3', 'reports', '0.9.2', 'ok']],
}

export const TABLES: readonly Table[] = [CUSTOMERS, DEPLOYS]

/** Rows as the API writes them: every value a string under `v`, in the order of the schema. */
export function wireRows(rows: Table['rows']): readonly object[] {
  return rows.map((row) => ({ f: row.map((value) => ({ v: value })) }))
}
