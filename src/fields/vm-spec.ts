import type { AutostartFields } from './autostart.js';
import type { BridgeFields } from './bridges.js';
import type { ConfigFields } from './config.js';
import type { ConsoleFields } from './consoles.js';
import type { CpuFields } from './cpu.js';
import type { CpuPinFields } from './cpu-pin.js';
import type { ExtraOptionsFields } from './extra-options.js';
import type { FirmwareFields } from './firmware.js';
import type { FlagFields } from './flags.js';
import type { FwCfgFilesFields } from './fw-cfg-files.js';
import type { GdbFields } from './gdb.js';
import type { GraphicFields } from './graphic.js';
import type { GuestIdentityFields } from './guest-identity.js';
import type { HookFields } from './hooks.js';
import type { IdentityFields } from './identity.js';
import type { LoaderFields } from './loader.js';
import type { MemoryFields, WiringFields } from './memory.js';
import type { NumaFields } from './numa.js';
import type { RebootFields } from './reboot.js';
import type { RestartFields, StopFields } from './restart.js';
import type { StructureFields } from './structure.js';
import type { TpmFields } from './tpm.js';

/**
 * The spec of one target: the base merged with the target, tolerances and defaults applied. Keys are those of the
 * file.
 */
export interface VmSpec
  extends
    IdentityFields,
    CpuFields,
    CpuPinFields,
    MemoryFields,
    WiringFields,
    NumaFields,
    FirmwareFields,
    TpmFields,
    FwCfgFilesFields,
    LoaderFields,
    BridgeFields,
    ConsoleFields,
    GdbFields,
    GuestIdentityFields,
    GraphicFields,
    FlagFields,
    ConfigFields,
    ExtraOptionsFields,
    RebootFields,
    RestartFields,
    StopFields,
    AutostartFields,
    HookFields,
    StructureFields {}
