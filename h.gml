<graphml xmlns="http://graphml.graphdrawing.org/xmlns" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://graphml.graphdrawing.org/xmlns http://graphml.graphdrawing.org/xmlns/1.0/graphml.xsd">
  <key id="d4" for="edge" attr.name="move" attr.type="string" />
  <key id="d3" for="node" attr.name="state" attr.type="string" />
  <key id="d2" for="node" attr.name="label" attr.type="string" />
  <key id="d1" for="node" attr.name="depth" attr.type="long" />
  <key id="d0" for="graph" attr.name="name" attr.type="string" />
  <graph edgedefault="directed">
    <node id="0">
      <data key="d1">0</data>
      <data key="d2">empty</data>
      <data key="d3">0 0 0</data>
    </node>
    <node id="1">
      <data key="d1">1</data>
      <data key="d2">a {0}
MIGRATION after go.a|b</data>
      <data key="d3">1 0 1</data>
    </node>
    <edge source="0" target="1" id="0">
      <data key="d4">go.a|b(page={0}) by Client 0</data>
    </edge>
    <edge source="1" target="0" id="0">
      <data key="d4">go.two by Client 0</data>
    </edge>
    <data key="d0">host</data>
  </graph>
</graphml>
