// sockjs-client (Debian: node-sockjs-client) in Node, held to one transport.
//
// sockjs_check.js URL TRANSPORT COUNT
//
// Opens a channel's service, sends COUNT messages of any text, and wants to hear all of them once and in order. Prints `ok …`; at the
// first failure `FAILED …` with the reason, and exits 1.

"use strict";

const SockJS = require("sockjs-client");

const [url, transport, count] = [process.argv[2], process.argv[3], Number(process.argv[4])];
const texts = Array.from({ length: count }, (_, index) => `${index} "\\ \u2028 \u{1F600} ` + "x".repeat(index % 97));

function fail(reason) {
    console.log(`FAILED ${transport}: ${reason}`);
    process.exit(1);
}

const deadline = setTimeout(() => fail(`not in time; heard ${heard} of ${count}`), 60000);
let heard = 0;
const socket = new SockJS(url, null, { transports: [transport] });

socket.onopen = () => {
    if (socket.transport !== transport) fail(`another transport: ${socket.transport}`);
    for (const text of texts) socket.send(text);
};

socket.onmessage = (event) => {
    if (event.data !== texts[heard]) fail(`message ${heard} is ${JSON.stringify(event.data).slice(0, 200)}`);
    heard += 1;
    if (heard < count) return;
    socket.onclose = (event) => {
        if (event.code !== 1000) fail(`closed with ${event.code} ${event.reason}`);
        clearTimeout(deadline);
        console.log(`ok ${transport}: ${heard} messages`);
        process.exit(0);
    };
    socket.close();
};

socket.onclose = (event) => fail(`closed with ${event.code} ${event.reason}, heard ${heard} of ${count}`);
