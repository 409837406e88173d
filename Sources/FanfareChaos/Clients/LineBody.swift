import FanfareWire
import NIOCore

/// Lines of JSON.
struct LineBody: ReaderBody {
    private var cutter = LineCutter()

    mutating func read(_ part: ByteBuffer) -> [ReaderEvent] {
        cutter.lines(part).compactMap { $0.readableBytes == 0 ? nil : Self.event($0) }
    }

    private static func event(_ line: ByteBuffer) -> ReaderEvent {
        guard let members = JSONMembers(line) else { return .foreign(String(buffer: line)) }
        let id = members["id"]?.string.flatMap { Judge.Position($0) }
        if let data = members["data"] { return .publication(data.bytes, id) }
        if let end = members["disconnect"] { return .disconnect(JSONMembers(end.bytes)?["code"]?.unsigned ?? 0) }
        switch members["event"]?.string {
        case "position": return .position(id)
        case "reset": return .reset(id)
        default: return .foreign(String(buffer: line))
        }
    }
}
