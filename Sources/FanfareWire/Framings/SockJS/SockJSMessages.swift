import NIOCore

/// What a SockJS client sends: a JSON array of strings. Taken apart one string at a time, so that what waits is what came.
public enum SockJSMessages {
    /// What a body, or a WebSocket message, is.
    public enum Content: Equatable, Sendable {
        /// Strings for ``next(in:)``; maybe none.
        case messages
        /// Nothing at all.
        case empty
        /// Something else: not JSON, no array, or one with something in it that is no text.
        case broken
    }

    /// Looks at all of it.
    ///
    /// - Parameter allowsString: whether one string without an array around it counts, as over WebSocket.
    public static func check(_ body: ByteBuffer, allowsString: Bool = false) -> Content {
        body.withUnsafeReadableBytes { bytes in
            guard !bytes.isEmpty else { return .empty }
            guard UTF8Validator.isValid(bytes) else { return .broken }
            var scanner = JSONScanner(bytes)
            guard scanner.take(UInt8(ascii: "[")) else {
                return allowsString && isString(&scanner, bytes) && isOver(&scanner) ? .messages : .broken
            }
            if scanner.take(UInt8(ascii: "]")) { return isOver(&scanner) ? .messages : .broken }
            repeat {
                guard isString(&scanner, bytes) else { return .broken }
            } while scanner.take(UInt8(ascii: ","))
            return scanner.take(UInt8(ascii: "]")) && isOver(&scanner) ? .messages : .broken
        }
    }

    /// Takes the next message out of a body that was found to be ``Content/messages``; `nil`: there is none left.
    public static func next(in body: inout ByteBuffer) -> ByteBuffer? {
        let (text, length) = body.withUnsafeReadableBytes { bytes -> (String?, Int) in
            var scanner = JSONScanner(bytes)
            _ = scanner.take(UInt8(ascii: "[")) || scanner.take(UInt8(ascii: ","))
            guard scanner.peek() == UInt8(ascii: "\""), let inside = scanner.string(),
                let text = JSONScanner.decodedString(inside, in: bytes)
            else { return (nil, bytes.count) }
            return (text, scanner.index)
        }
        body.moveReaderIndex(forwardBy: length)
        return text.map { ByteBuffer(string: $0) }
    }

    private static func isString(_ scanner: inout JSONScanner, _ bytes: UnsafeRawBufferPointer) -> Bool {
        guard scanner.peek() == UInt8(ascii: "\""), let inside = scanner.string() else { return false }
        return JSONScanner.decodedString(inside, in: bytes) != nil
    }

    private static func isOver(_ scanner: inout JSONScanner) -> Bool {
        scanner.skipWhitespace()
        return scanner.isAtEnd
    }
}
