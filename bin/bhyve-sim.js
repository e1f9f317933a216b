#!/usr/bin/env node
'use strict';
require('../dist/bin/bhyve-sim.js').main();
