import FanfareCore
import NIOCore

/// What a connection of HTTP/2 may do at most. Beyond it the connection is ended with `ENHANCE_YOUR_CALM` and counted, for no
/// client that does its work gets there.
enum HTTP2Bounds {
    /// Streams at a time. What browsers and proxies expect at least (RFC 9113 §6.5.2), and what one socket may cost.
    static let streams = 100
    /// Frames in a second, of whatever kind, and how many may come at once. A reader of a hundred busy streams sends some thousand
    /// window updates, spread over the second.
    static let framesPerSecond = 10_000
    static let framesAtOnce = 2_000
    /// What a turn gives to the decoder: eight requests, or 32 frames of other kinds, as in HTTP/1.1.
    static let turnWeight = Turn.work
    static let headersWeight = Turn.request
    /// Requests that are refused, or that the client takes back before their answer: each is some 70 microseconds of the event loop, and
    /// two small frames to the client. A page that is left takes back so many polls at once; a browser's tabs share a connection. A trusted
    /// proxy is not held to it, for it carries the requests of many.
    static let failedRequests = Rate(perSecond: 4, burst: 16)
    /// Requests that are refused for the moment, with `Retry-After`: all streams at once, and again every two seconds, as polls do while
    /// Redis is away. Who takes streams back faster than ``failedRequests`` is held to that here, too: many of those in a reset storm
    /// have their refusal before their reset is read.
    static let postponedRequests = Rate(perSecond: streams / 2, burst: streams)
    /// Streams that the client resets, within ``window``: a browser that is closed with all its tabs, twice (CVE-2023-44487).
    static let resets = 200
    /// Those of a trusted proxy, whose clients come and go: as many as the frames that it may send.
    static let resetsOfProxy = framesPerSecond * 30
    /// Settings, pings and priorities within ``window``: all but the priorities are answered.
    static let controlFrames = 200
    static let window = TimeAmount.seconds(30)
    /// Frames that go on with a block of header fields. Their bytes are bounded by `Limits.maxHeaderListBytes`; ours fit in one.
    static let continuations = 5
    /// Answers to such frames that wait for a client that does not read.
    static let waitingControlFrames = 1_000
    /// Bytes of one stream above which an answer in parts is held back, as with a socket.
    static let highWaterMark = 65_536
}
