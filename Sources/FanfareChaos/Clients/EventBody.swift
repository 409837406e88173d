import FanfareWire
import NIOCore

/// An event stream, as far as a node writes one: LF ends a line, one line of data for each event.
struct EventBody: ReaderBody {
    private var cutter = LineCutter()
    private var type = "message"
    private var data: ByteBuffer?
    private var id: Judge.Position?

    mutating func read(_ part: ByteBuffer) -> [ReaderEvent] { cutter.lines(part).compactMap { take($0) } }

    private mutating func take(_ line: ByteBuffer) -> ReaderEvent? {
        guard let colon = line.readableBytesView.firstIndex(of: UInt8(ascii: ":")) else {
            return line.readableBytes == 0 ? dispatch() : .foreign(String(buffer: line))
        }
        var value = line
        value.moveReaderIndex(to: colon + 1)
        if value.readableBytesView.first == UInt8(ascii: " ") { value.moveReaderIndex(forwardBy: 1) }
        switch String(decoding: line.readableBytesView[..<colon], as: UTF8.self) {
        case "", "retry": return nil
        case "id": id = Judge.Position(String(buffer: value))
        case "event": type = String(buffer: value)
        case "data" where data == nil: data = value
        default: return .foreign(String(buffer: line))
        }
        return nil
    }

    private mutating func dispatch() -> ReaderEvent? {
        defer { (type, data, id) = ("message", nil, nil) }
        guard let data else { return nil }
        switch type {
        case "message": return .publication(data, id)
        case "position": return .position(id)
        case "reset": return .reset(id)
        case "disconnect": return .disconnect(JSONMembers(data)?["code"]?.unsigned ?? 0)
        default: return .foreign("event \(type)")
        }
    }
}
