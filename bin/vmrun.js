#!/usr/bin/env node
'use strict';
require('../dist/bin/vmrun.js').main(require('node:path').join(__dirname, 'bhyve-sim.js'));
