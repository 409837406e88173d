import NIOCore

/// How the frames of SockJS stand in the answer to a request that receives.
public enum SockJSReceiving: Sendable, Equatable {
    case xhr
    case xhrStreaming
    case eventSource
    /// The function of the page that is given each frame.
    case htmlFile(callback: String)
    case jsonp(callback: String)

    /// Whether the answer goes on behind a frame.
    public var goesOn: Bool {
        switch self {
        case .xhr, .jsonp: false
        case .xhrStreaming, .eventSource, .htmlFile: true
        }
    }

    public var contentType: String {
        switch self {
        case .xhr, .xhrStreaming, .jsonp: "application/javascript; charset=UTF-8"
        case .eventSource: "text/event-stream"
        case .htmlFile: "text/html; charset=UTF-8"
        }
    }

    /// What stands before the first frame of an answer that goes on: as much as browsers keep back before they show a page the
    /// beginning of an answer.
    public var prelude: ByteBuffer {
        switch self {
        case .xhr, .jsonp: ByteBuffer()
        case .xhrStreaming: Self.heartbeats
        case .eventSource: ByteBuffer(string: "\r\n")
        case .htmlFile(let callback): Self.page(callback)
        }
    }

    /// A frame of ``SockJSFrame`` as it stands in the answer.
    public func wrap(_ frame: ByteBuffer) -> ByteBuffer {
        var bytes = ByteBufferAllocator().buffer(capacity: frame.readableBytes + 48)
        switch self {
        case .xhr, .xhrStreaming:
            bytes.writeImmutableBuffer(frame)
            bytes.writeStaticString("\n")
        case .eventSource:
            bytes.writeStaticString("data: ")
            bytes.writeImmutableBuffer(frame)
            bytes.writeStaticString("\r\n\r\n")
        case .htmlFile:
            bytes.writeStaticString("<script>\np(")
            SockJSText.writeScriptString(frame, into: &bytes)
            bytes.writeStaticString(");\n</script>\r\n")
        case .jsonp(let callback):
            // The comment keeps the answer from being anything else than a script, whatever the name.
            bytes.writeString("/**/\(callback)(")
            SockJSText.writeScriptString(frame, into: &bytes)
            bytes.writeStaticString(");\r\n")
        }
        return bytes
    }

    /// Whether a name can be called without saying anything else: `[a-zA-Z0-9-_.]+`, and short where the answer is a script that any
    /// page can load.
    ///
    /// - Parameter isShort: whether it may have 32 bytes at most, else 256.
    public static func isCallback(_ name: String, isShort: Bool) -> Bool {
        (1...(isShort ? 32 : 256)).contains(name.utf8.count)
            && name.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "-_.".utf8.contains(byte)
            }
    }

    private static let heartbeats: ByteBuffer = {
        var bytes = ByteBuffer(repeating: UInt8(ascii: "h"), count: 2_048)
        bytes.writeStaticString("\n")
        return bytes
    }()

    /// The head of the page (sockjs-protocol, "HtmlFile"), with spaces up to a kilobyte.
    private static func page(_ callback: String) -> ByteBuffer {
        var page = """
            <!doctype html>
            <html><head>
              <meta http-equiv="X-UA-Compatible" content="IE=edge" />
              <meta http-equiv="Content-Type" content="text/html; charset=UTF-8" />
            </head><body><h2>Don't panic!</h2>
              <script>
                document.domain = document.domain;
                var c = parent.\(callback);
                c.start();
                function p(d) {c.message(d);};
                window.onload = function() {c.stop();};
              </script>
            """
        page += String(repeating: " ", count: max(0, 1_024 - page.utf8.count)) + "\r\n\r\n"
        return ByteBuffer(string: page)
    }
}
