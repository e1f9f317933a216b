#!/usr/bin/env node
'use strict';
const path = require('node:path');
require('./load.js').load('vmrun').main(path.join(__dirname, 'bhyve-sim.js'));
