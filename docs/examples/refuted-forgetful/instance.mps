NAME        
OBJSENSE
  MAX
ROWS
 N  Obj     
 L  demand_G1
 L  demand_G2
 L  volume_needs_mandate_H1_G1
 L  volume_needs_mandate_H1_G2
 G  threshold_H1_G1
 G  threshold_H1_G2
COLUMNS
    x_H1_G1   Obj       1
    x_H1_G1   demand_G1  1
    x_H1_G1   volume_needs_mandate_H1_G1  1
    x_H1_G1   threshold_H1_G1  1
    x_H1_G2   Obj       1
    x_H1_G2   demand_G2  1
    x_H1_G2   volume_needs_mandate_H1_G2  1
    x_H1_G2   threshold_H1_G2  1
    MARK0000  'MARKER'                 'INTORG'
    y_H1_G1   volume_needs_mandate_H1_G1  -1
    y_H1_G1   threshold_H1_G1  -1
    y_H1_G2   threshold_H1_G2  -1
    MARK0001  'MARKER'                 'INTEND'
RHS
    RHS_V     demand_G1  1
BOUNDS
 UP BOUND     x_H1_G1   1
 FX BOUND     x_H1_G2   0
 BV BOUND     y_H1_G1 
 BV BOUND     y_H1_G2 
ENDATA
