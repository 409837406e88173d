/// One value for each wire format, in place: no array, no allocation.
public struct PerFormat<Value> {
    private var rawWebSocket: Value
    private var centrifugeJSONWebSocket: Value
    private var rawWebSocketDeflate: Value
    private var centrifugeJSONWebSocketDeflate: Value

    /// The same value for all.
    public init(_ value: Value) {
        self.init { _ in value }
    }

    /// A value for each.
    public init(_ value: (WireFormat) -> Value) {
        rawWebSocket = value(.rawWebSocket)
        centrifugeJSONWebSocket = value(.centrifugeJSONWebSocket)
        rawWebSocketDeflate = value(.rawWebSocketDeflate)
        centrifugeJSONWebSocketDeflate = value(.centrifugeJSONWebSocketDeflate)
    }

    // Inlined always: an accessor that yields and is called costs an allocation.
    public subscript(format: WireFormat) -> Value {
        @inline(__always) get {
            switch format {
            case .rawWebSocket: rawWebSocket
            case .centrifugeJSONWebSocket: centrifugeJSONWebSocket
            case .rawWebSocketDeflate: rawWebSocketDeflate
            case .centrifugeJSONWebSocketDeflate: centrifugeJSONWebSocketDeflate
            }
        }
        @inline(__always) _modify {
            switch format {
            case .rawWebSocket: yield &rawWebSocket
            case .centrifugeJSONWebSocket: yield &centrifugeJSONWebSocket
            case .rawWebSocketDeflate: yield &rawWebSocketDeflate
            case .centrifugeJSONWebSocketDeflate: yield &centrifugeJSONWebSocketDeflate
            }
        }
    }
}

extension PerFormat: Sendable where Value: Sendable {}
