#!/usr/bin/env node
'use strict';
require('./load.js').load('vmrun').main(`${__dirname}/bhyve-sim.js`);
