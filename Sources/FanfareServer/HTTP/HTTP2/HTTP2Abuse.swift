import NIOHTTP2

/// What a client of HTTP/2 did that ends its connection.
enum HTTP2Abuse {
    /// For the log: the error's own words may hold what the client sent.
    static func describe(_ error: any Error) -> String {
        switch error {
        case is NIOHTTP2Errors.ExcessiveRSTFrames: "too many streams were begun and reset"
        case is NIOHTTP2Errors.ExcessiveControlFrames: "too many settings, pings or priorities"
        case is NIOHTTP2Errors.ExcessiveContinuationFrames: "too many frames for one block of header fields"
        case is NIOHTTP2Errors.ExcessivelyLargeHeaderBlock: "header fields above the limit"
        case is NIOHTTP2Errors.ExcessiveEmptyDataFrames: "too many empty frames"
        case is NIOHTTP2Errors.ExcessiveOutboundFrameBuffering: "it does not read what it is answered"
        case is NIOHTTP2Errors.MaxStreamsViolation: "more than \(HTTP2Bounds.streams) streams at a time"
        case is NIOHTTP2Errors.BadClientMagic: "it does not begin as HTTP/2 does"
        default: "\(type(of: error))"
        }
    }
}
