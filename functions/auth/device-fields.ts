import * as z from 'zod'
import type { DeviceFields } from './sign-in-device.ts'

/** The device fields of both steps of a sign-in: its tokens, and whether it asks for one. */
export const DEVICE_FIELDS = {
  device_token: z.string().max(1024).optional(),
  remember_device: z.boolean().optional(),
}

export const deviceFieldsOf = (body: {
  device_token?: string | undefined
  remember_device?: boolean | undefined
}): DeviceFields => ({ deviceToken: body.device_token, rememberDevice: body.remember_device })
