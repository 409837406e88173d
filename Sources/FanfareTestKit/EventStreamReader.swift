import FanfareWire

/// Reads an event stream as a browser does: the algorithm of WHATWG HTML §9.2.6, step by step, in pieces cut anywhere. Shares
/// nothing with what the node writes by.
public struct EventStreamReader: Sendable {
    /// An event that a page would hear.
    public struct Event: Sendable, Equatable {
        public var type: ExactText
        public var data: ExactText
        public var lastEventID: ExactText

        public init(type: ExactText = "message", data: ExactText, lastEventID: ExactText = "") {
            self.type = type
            self.data = data
            self.lastEventID = lastEventID
        }
    }

    public private(set) var events: [Event] = []
    /// With which a browser would come back.
    public private(set) var lastEventID = ""
    /// Milliseconds, if the stream said so.
    public private(set) var reconnectionTime: Int?
    /// Lines that began with a colon.
    public private(set) var comments = 0

    private var idBuffer = ""
    private var typeBuffer = ""
    private var dataBuffer = ""
    private var line: [UInt8] = []
    private var isBehindCR = false
    private var isFirstLine = true

    public init() {}

    public mutating func feed(_ bytes: some Sequence<UInt8>) {
        for byte in bytes {
            defer { isBehindCR = byte == 0x0D }
            switch byte {
            case 0x0A where isBehindCR: continue
            case 0x0A, 0x0D: endLine()
            default: line.append(byte)
            }
        }
    }

    private mutating func endLine() {
        if isFirstLine, line.starts(with: [0xEF, 0xBB, 0xBF]) { line.removeFirst(3) }
        isFirstLine = false
        defer { line = [] }
        guard !line.isEmpty else { return dispatch() }
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return take(line, "") }
        guard colon > 0 else {
            comments += 1
            return
        }
        var value = line[(colon + 1)...]
        if value.first == UInt8(ascii: " ") { value = value.dropFirst() }
        take(Array(line[..<colon]), String(decoding: value, as: UTF8.self))
    }

    private mutating func take(_ field: [UInt8], _ value: String) {
        switch String(decoding: field, as: UTF8.self) {
        case "event": typeBuffer = value
        case "data": dataBuffer += value + "\n"
        case "id" where !value.utf8.contains(0): idBuffer = value
        case "retry" where value.utf8.allSatisfy { (0x30...0x39).contains($0) }: reconnectionTime = Int(value)
        default: break
        }
    }

    private mutating func dispatch() {
        lastEventID = idBuffer
        defer { (dataBuffer, typeBuffer) = ("", "") }
        guard !dataBuffer.isEmpty else { return }
        let data = String(decoding: dataBuffer.utf8.dropLast(), as: UTF8.self)
        events.append(
            Event(
                type: ExactText(typeBuffer.isEmpty ? "message" : typeBuffer), data: ExactText(data),
                lastEventID: ExactText(lastEventID)))
    }
}
