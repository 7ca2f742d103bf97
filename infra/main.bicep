// The functions on Azure: Flex Consumption, one user-assigned identity, no shared key anywhere. Postgres and Redis are
// Heroku's (docs/deploy-heroku.md); what they and the calls between both hosts need to keep secret is in the vault.
targetScope = 'resourceGroup'

@description('Name of the azd environment; resources are told apart by it.')
@minLength(1)
@maxLength(64)
param environmentName string

param location string = resourceGroup().location

@description('Where browsers reach web, without a path: https://<app>-<id>.herokuapp.com.')
param webOrigin string

@description('Sender of the mail that the functions send: an address that the mail server in SMTP-URL may send for.')
param mailFrom string

@description('Object id of who may write the vault\'s secrets: the person who deploys.')
param principalId string

@description('22 is what Microsoft\'s own Flex Consumption samples run on; 24 where the region offers it.')
@allowed(['22', '24'])
param nodeVersion string = '22'

@description('Memory of one instance; its share of a processor grows with it, and so does what a password hash costs in time.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

param maximumInstanceCount int = 40

@description('False when both stores show certificates of public authorities: then the vault needs no REDIS-CA and DATABASE-CA.')
param pinStores bool = true

@description('True: the functions send their log lines to Datadog themselves as well; the vault then needs DD-API-KEY, and tuning DD_SITE.')
param sendLogs bool = false

@description('True: the sweeper asks Datadog which alerts are open, and contains what no webhook brought; the vault then needs DD-API-KEY and DD-APP-KEY, and tuning DD_SITE or DD_API_URL.')
param pullAlerts bool = false

@description('Settings that have a default, by the names of docs/configuration.md.')
param tuning object = {}

var suffix = uniqueString(subscription().id, resourceGroup().id, environmentName)
var tags = { 'azd-env-name': environmentName }
var packageContainer = 'packages'
var tableNames = ['sessions', 'sessionindex', 'devices', 'places', 'containments', 'containmentindex']
var vaultName = 'kv-${suffix}'
// The platform puts the secret's newest value in its place at each start; a secret that is not there stays as this text.
var secret = '@Microsoft.KeyVault(VaultName=${vaultName};SecretName='

var role = {
  blobOwner: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  tableContributor: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
  secretsUser: '4633458b-17de-408a-b874-0445c86b69e6'
  secretsOfficer: 'b86a8fe4-44ce-4948-aee5-eccb2c155cd7'
}

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: 'id-${suffix}'
  location: location
  tags: tags
}

resource storage 'Microsoft.Storage/storageAccounts@2023-05-01' = {
  name: 'st${suffix}'
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: 'Standard_LRS' }
  properties: {
    allowBlobPublicAccess: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
  }

  resource blobs 'blobServices' = {
    name: 'default'
    resource packages 'containers' = { name: packageContainer }
  }

  resource tables 'tableServices' = {
    name: 'default'
    resource table 'tables' = [for name in tableNames: { name: name }]
  }
}

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: vaultName
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    softDeleteRetentionInDays: 7
  }
}

resource logs 'Microsoft.OperationalInsights/workspaces@2023-09-01' = {
  name: 'log-${suffix}'
  location: location
  tags: tags
  properties: {
    sku: { name: 'PerGB2018' }
    retentionInDays: 30
  }
}

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: 'plan-${suffix}'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true }
}

resource api 'Microsoft.Web/sites@2024-04-01' = {
  name: 'func-${suffix}'
  location: location
  tags: union(tags, { 'azd-service-name': 'api' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identity.id}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identity.id
    siteConfig: { minTlsVersion: '1.2' }
    functionAppConfig: {
      runtime: { name: 'node', version: nodeVersion }
      scaleAndConcurrency: { instanceMemoryMB: instanceMemoryMB, maximumInstanceCount: maximumInstanceCount }
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${storage.properties.primaryEndpoints.blob}${packageContainer}'
          authentication: { type: 'UserAssignedIdentity', userAssignedIdentityResourceId: identity.id }
        }
      }
    }
  }
  dependsOn: [storage::blobs::packages, hostRoles, readsSecrets]

  // Passwords for publishing; azd and the GitHub action come with a token of Entra ID.
  resource noFtp 'basicPublishingCredentialsPolicies' = { name: 'ftp', properties: { allow: false } }
  resource noScm 'basicPublishingCredentialsPolicies' = { name: 'scm', properties: { allow: false } }

  resource settings 'config' = {
    name: 'appsettings'
    properties: {
      // The host's own storage: packages, timer status, function keys.
      AzureWebJobsStorage__blobServiceUri: storage.properties.primaryEndpoints.blob
      AzureWebJobsStorage__credential: 'managedidentity'
      AzureWebJobsStorage__clientId: identity.properties.clientId
      // The app's: shared/config.ts. What is empty has its default.
      AZURE_CLIENT_ID: identity.properties.clientId
      TABLES_URL: storage.properties.primaryEndpoints.table
      WEB_ORIGIN: webOrigin
      FUNCTIONS_ORIGIN: 'https://${api.properties.defaultHostName}'
      DATABASE_URL: '${secret}DATABASE-URL)'
      DATABASE_CA: pinStores ? '${secret}DATABASE-CA)' : ''
      REDIS_URL: '${secret}REDIS-URL)'
      REDIS_CA: pinStores ? '${secret}REDIS-CA)' : ''
      ATO_HMAC_SECRET: '${secret}ATO-HMAC-SECRET)'
      ATO_WEBHOOK_SECRET: '${secret}ATO-WEBHOOK-SECRET)'
      SESSION_SIGNING_KEYS: '${secret}SESSION-SIGNING-KEYS)'
      DEVICE_HASH_KEY: '${secret}DEVICE-HASH-KEY)'
      TOTP_KEY: '${secret}TOTP-KEY)'
      PASSWORD_PEPPER: '${secret}PASSWORD-PEPPER)'
      SMTP_URL: '${secret}SMTP-URL)'
      MAIL_FROM: mailFrom
      DD_API_KEY: sendLogs || pullAlerts ? '${secret}DD-API-KEY)' : ''
      DD_APP_KEY: pullAlerts ? '${secret}DD-APP-KEY)' : ''
      // Named here even where it follows from the site: DD_SITE alone would send the log lines as well.
      DD_API_URL: pullAlerts ? (tuning.?DD_API_URL ?? 'https://api.${tuning.?DD_SITE ?? 'datadoghq.com'}') : ''
      DD_SITE: sendLogs ? (tuning.?DD_SITE ?? '') : ''
      DD_LOGS_URL: sendLogs ? (tuning.?DD_LOGS_URL ?? '') : ''
      DD_SERVICE: tuning.?DD_SERVICE ?? ''
      DD_ENV: tuning.?DD_ENV ?? ''
      SESSION_IDLE_SECONDS: tuning.?SESSION_IDLE_SECONDS ?? ''
      SESSION_RENEW_SECONDS: tuning.?SESSION_RENEW_SECONDS ?? ''
      SESSION_GRACE_SECONDS: tuning.?SESSION_GRACE_SECONDS ?? ''
      SESSION_ABSOLUTE_SECONDS: tuning.?SESSION_ABSOLUTE_SECONDS ?? ''
      SESSION_DEVICE_BINDING: tuning.?SESSION_DEVICE_BINDING ?? ''
      BCRYPT_COST: tuning.?BCRYPT_COST ?? ''
      HASH_QUEUE: tuning.?HASH_QUEUE ?? ''
      CANARY_ADDRESSES: tuning.?CANARY_ADDRESSES ?? ''
      LEDGER_RETENTION_DAYS: tuning.?LEDGER_RETENTION_DAYS ?? ''
      CONTAIN_MODE: tuning.?CONTAIN_MODE ?? ''
      CONTAIN_CAP: tuning.?CONTAIN_CAP ?? ''
      CONTAIN_CAP_SOURCE: tuning.?CONTAIN_CAP_SOURCE ?? ''
      EGRESS_ADDRESSES: tuning.?EGRESS_ADDRESSES ?? ''
      GEO_DATABASE: tuning.?GEO_DATABASE ?? ''
      TRAVEL_VPN_RANGES: tuning.?TRAVEL_VPN_RANGES ?? ''
    }
  }
}

// stdout of the functions is the log of record; this is how the platform hands it on.
resource logCategory 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'function-app-logs'
  scope: api
  properties: {
    workspaceId: logs.id
    logs: [{ category: 'FunctionAppLogs', enabled: true }]
  }
}

resource hostRoles 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for id in [role.blobOwner, role.tableContributor]: {
    name: guid(storage.id, identity.id, id)
    scope: storage
    properties: {
      principalId: identity.properties.principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', id)
    }
  }
]

resource readsSecrets 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, identity.id, role.secretsUser)
  scope: vault
  properties: {
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.secretsUser)
  }
}

resource writesSecrets 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, principalId, role.secretsOfficer)
  scope: vault
  properties: {
    principalId: principalId
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.secretsOfficer)
  }
}

output FUNCTION_APP string = api.name
output FUNCTIONS_ORIGIN string = 'https://${api.properties.defaultHostName}'
output KEY_VAULT string = vault.name
output STORAGE_ID string = storage.id
output TABLES_URL string = storage.properties.primaryEndpoints.table
